;; Takes memory until it gets no more, and answers with what it got, in pages of 64 KiB.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "libc" "answer" (func $answer (param i32 i32) (result i32)))

  (func (export "execute") (param i32 i32) (result i32)
    (local $left i32) (local $at i32)
    (loop $more
      (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    ;; The number, from its last digit on.
    (local.set $left (memory.size))
    (local.set $at (i32.const 96))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.rem_u (local.get $left) (i32.const 10))))
      (br_if $digit (local.tee $left (i32.div_u (local.get $left) (i32.const 10)))))
    (call $answer (local.get $at) (i32.sub (i32.const 96) (local.get $at)))))
