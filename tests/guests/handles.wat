;; Makes timers until the host gives it no more.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "wasi" "subscribe-duration" (func $subscribe (param i64) (result i32)))

  (func (export "execute") (param i32 i32) (result i32)
    (loop $more
      (drop (call $subscribe (i64.const 3_600_000_000_000)))
      (br $more))
    unreachable))
