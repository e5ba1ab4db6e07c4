;; Hands over a statement that is longer than what the host copies at once.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "db" "execute" (func $db (param i32 i32 i32 i32 i32)))

  (func (export "execute") (param i32 i32) (result i32)
    (drop (memory.grow (i32.const 700)))
    (memory.fill (i32.const 65536) (i32.const 32) (i32.const 45_000_000))
    (call $db (i32.const 65536) (i32.const 45_000_000) (i32.const 0) (i32.const 0)
      (i32.const 128))
    unreachable))
