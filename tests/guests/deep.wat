;; Answers with JSON that is nested a million levels deep.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "libc" "answer" (func $answer (param i32 i32) (result i32)))

  (func (export "execute") (param i32 i32) (result i32)
    (drop (memory.grow (i32.const 32)))
    (memory.fill (i32.const 65536) (i32.const 91) (i32.const 1_000_000))
    (memory.fill (i32.const 1065536) (i32.const 93) (i32.const 1_000_000))
    (call $answer (i32.const 65536) (i32.const 2_000_000))))
