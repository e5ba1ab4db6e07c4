;; Asks the host for its call's id for ever.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "libc" "free" (global $free (mut i32)))
  (import "skep" "call-id" (func $call-id (param i32)))

  (func (export "execute") (param i32 i32) (result i32)
    (loop $more
      (global.set $free (i32.const 4096))
      (call $call-id (i32.const 128))
      (br $more))
    unreachable))
