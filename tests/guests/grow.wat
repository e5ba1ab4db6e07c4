;; Takes memory until it gets no more, then fails in its own words.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "libc" "fail" (func $fail (param i32 i32) (result i32)))
  (data (i32.const 64) "no memory")

  (func (export "execute") (param i32 i32) (result i32)
    ;; 16 MiB at a time.
    (loop $more
      (br_if $more (i32.ne (memory.grow (i32.const 256)) (i32.const -1))))
    (call $fail (i32.const 64) (i32.const 9))))
