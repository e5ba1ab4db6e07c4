;; Prints lines of one letter for ever.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "wasi" "stdout" (func $stdout (result i32)))
  (import "wasi" "print" (func $print (param i32 i32 i32 i32)))
  (data (i32.const 64) "a\na\na\na\na\na\na\na\n")

  (func (export "execute") (param i32 i32) (result i32)
    (local $stdout i32)
    (local.set $stdout (call $stdout))
    (loop $more
      (call $print (local.get $stdout) (i32.const 64) (i32.const 16) (i32.const 128))
      (br $more))
    unreachable))
