;; Locks a row in a transaction, and then never ends.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "db" "connection" (func $connection (result i32)))
  (import "db" "connection.execute" (func $db (param i32 i32 i32 i32 i32 i32)))
  (data (i32.const 64) "UPDATE notes SET id = id + 1")

  (func (export "execute") (param i32 i32) (result i32)
    (call $db (call $connection)
      (i32.const 64) (i32.const 28) (i32.const 0) (i32.const 0) (i32.const 128))
    (loop $again (br $again))
    unreachable))
