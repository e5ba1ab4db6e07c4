;; Waits for thousands of timers at once, none of which ends.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "wasi" "subscribe-duration" (func $subscribe (param i64) (result i32)))
  (import "wasi" "poll" (func $poll (param i32 i32 i32)))

  (func (export "execute") (param i32 i32) (result i32)
    (local $made i32)
    (loop $more
      (i32.store offset=8192 (i32.mul (local.get $made) (i32.const 4))
        (call $subscribe (i64.const 3_600_000_000_000)))
      (local.set $made (i32.add (local.get $made) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $made) (i32.const 4500))))
    (call $poll (i32.const 8192) (i32.const 4500) (i32.const 128))
    unreachable))
