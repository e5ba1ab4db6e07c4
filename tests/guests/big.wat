;; Answers with one byte more than an answer may have.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "libc" "answer" (func $answer (param i32 i32) (result i32)))

  (func (export "execute") (param i32 i32) (result i32)
    (drop (memory.grow (i32.const 257)))
    ;; A JSON text of 16 MiB and 1 byte.
    (memory.fill (i32.const 65536) (i32.const 32) (i32.const 16777216))
    (i32.store8 (i32.const 65536) (i32.const 123))
    (i32.store8 (i32.const 16842752) (i32.const 125))
    (call $answer (i32.const 65536) (i32.const 16777217))))
