;; Makes a table when it is loaded, then another, of a name that a test has
;; taken and not committed.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "libc" "answer" (func $answer (param i32 i32) (result i32)))
  (import "db" "execute" (func $db (param i32 i32 i32 i32 i32)))
  (data (i32.const 64) "CREATE TABLE load_items (id int)")
  (data (i32.const 1024) "CREATE TABLE load_gate (id int)")
  (data (i32.const 2048) "true")

  (func (export "load") (result i32)
    (call $db (i32.const 64) (i32.const 32) (i32.const 0) (i32.const 0) (i32.const 128))
    (call $db (i32.const 1024) (i32.const 31) (i32.const 0) (i32.const 0) (i32.const 128))
    (call $answer (i32.const 0) (i32.const 0)))

  (func (export "execute") (param i32 i32) (result i32)
    (call $answer (i32.const 2048) (i32.const 4))))
