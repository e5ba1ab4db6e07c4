;; Prints what a terminal would obey, what is no text, and a last line without an end.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "libc" "answer" (func $answer (param i32 i32) (result i32)))
  (import "wasi" "stdout" (func $stdout (result i32)))
  (import "wasi" "print" (func $print (param i32 i32 i32 i32)))
  (data (i32.const 64) "clear\1b[2J\07\nnul\00end\nbad\ff\fetext\nlast")
  (data (i32.const 32) "{}")

  (func (export "execute") (param i32 i32) (result i32)
    (call $print (call $stdout) (i32.const 64) (i32.const 33) (i32.const 128))
    (call $answer (i32.const 32) (i32.const 2))))
