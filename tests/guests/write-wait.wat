;; Writes a row in a transaction, then reads a table that a test holds locked.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "libc" "answer" (func $answer (param i32 i32) (result i32)))
  (import "libc" "fail" (func $fail (param i32 i32) (result i32)))
  (import "db" "connection" (func $connection (result i32)))
  (import "db" "connection.execute" (func $db (param i32 i32 i32 i32 i32 i32)))
  (data (i32.const 64) "INSERT INTO notes VALUES (1)")
  (data (i32.const 1024) "SELECT count(*) FROM gate")
  (data (i32.const 2048) "\"done\"")
  (data (i32.const 2056) "unavailable")

  (func (export "execute") (param i32 i32) (result i32)
    (local $connection i32)
    (local.set $connection (call $connection))
    (call $db (local.get $connection)
      (i32.const 64) (i32.const 28) (i32.const 0) (i32.const 0) (i32.const 128))
    (call $db (local.get $connection)
      (i32.const 1024) (i32.const 25) (i32.const 0) (i32.const 0) (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then
      (return (call $fail (i32.const 2056) (i32.const 11)))))
    (call $answer (i32.const 2048) (i32.const 6))))
