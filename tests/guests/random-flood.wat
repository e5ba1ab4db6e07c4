;; Asks for a MiB of random bytes for ever.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "libc" "free" (global $free (mut i32)))
  (import "wasi" "random" (func $random (param i64 i32)))

  (func (export "execute") (param i32 i32) (result i32)
    (loop $more
      (global.set $free (i32.const 4096))
      (call $random (i64.const 1048576) (i32.const 128))
      (br $more))
    unreachable))
