;; Makes a table when it is loaded, then crashes.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "db" "execute" (func $db (param i32 i32 i32 i32 i32)))
  (data (i32.const 64) "CREATE TABLE load_items (id int)")

  (func (export "load") (result i32)
    (call $db (i32.const 64) (i32.const 32) (i32.const 0) (i32.const 0) (i32.const 128))
    unreachable)

  (func (export "execute") (param i32 i32) (result i32)
    unreachable))
