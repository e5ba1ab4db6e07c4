;; Asks for more random bytes than it may have at once.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "wasi" "random" (func $random (param i64 i32)))

  (func (export "execute") (param i32 i32) (result i32)
    (call $random (i64.const 1048577) (i32.const 128))
    unreachable))
