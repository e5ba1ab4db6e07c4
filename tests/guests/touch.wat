;; Takes memory until it gets no more, writes to every page of it, and waits for an hour.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "wasi" "subscribe-duration" (func $subscribe (param i64) (result i32)))
  (import "wasi" "block" (func $block (param i32)))

  (func (export "execute") (param i32 i32) (result i32)
    (local $page i32)
    (loop $more
      (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (local.set $page (i32.const 1))
    (loop $next
      (memory.fill (i32.mul (local.get $page) (i32.const 65536)) (i32.const 1) (i32.const 65536))
      (local.set $page (i32.add (local.get $page) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $page) (memory.size))))
    (call $block (call $subscribe (i64.const 3_600_000_000_000)))
    unreachable))
