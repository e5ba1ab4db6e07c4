;; Makes a table when it is loaded, and counts its rows when it is called.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "libc" "answer" (func $answer (param i32 i32) (result i32)))
  (import "libc" "fail" (func $fail (param i32 i32) (result i32)))
  (import "db" "execute" (func $db (param i32 i32 i32 i32 i32)))
  (data (i32.const 64) "CREATE TABLE IF NOT EXISTS load_items (id int)")
  (data (i32.const 1024) "SELECT count(*)::text FROM load_items")

  (func (export "load") (result i32)
    (call $db (i32.const 64) (i32.const 46) (i32.const 0) (i32.const 0) (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then
      (return (call $fail (i32.load (i32.const 140)) (i32.load (i32.const 144))))))
    (call $answer (i32.const 0) (i32.const 0)))

  (func (export "execute") (param i32 i32) (result i32)
    (local $value i32)
    (call $db (i32.const 1024) (i32.const 37) (i32.const 0) (i32.const 0) (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then
      (return (call $fail (i32.load (i32.const 140)) (i32.load (i32.const 144))))))
    (local.set $value (i32.load (i32.load (i32.const 144))))
    (call $answer
      (i32.load offset=8 (local.get $value)) (i32.load offset=12 (local.get $value)))))
