;; Fails in its own words.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "libc" "fail" (func $fail (param i32 i32) (result i32)))
  (data (i32.const 64) "OutOfStock")

  (func (export "execute") (param i32 i32) (result i32)
    (call $fail (i32.const 64) (i32.const 10))))
