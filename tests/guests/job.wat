;; Writes its job's id down, waits for a table that a test may hold locked, and leaves the commit to
;; its answer.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "libc" "answer" (func $answer (param i32 i32) (result i32)))
  (import "libc" "fail" (func $fail (param i32 i32) (result i32)))
  (import "db" "connection" (func $connection (result i32)))
  (import "db" "connection.execute" (func $db (param i32 i32 i32 i32 i32 i32)))
  (import "db" "connection.commit-on-return" (func $commit-on-return (param i32)))
  (data (i32.const 1024) "INSERT INTO effects VALUES (($1::json ->> '_job_id')::uuid)")
  (data (i32.const 1280) "SELECT count(*) FROM gate")
  (data (i32.const 1536) "{\"kept\":true}")
  (data (i32.const 1792) "the database failed")

  (func (export "execute") (param $data i32) (param $length i32) (result i32)
    (local $connection i32)
    (local.set $connection (call $connection))
    ;; One parameter, a text.
    (i32.store8 (i32.const 32) (i32.const 4))
    (i32.store (i32.const 40) (local.get $data))
    (i32.store (i32.const 44) (local.get $length))
    (call $db (local.get $connection)
      (i32.const 1024) (i32.const 59) (i32.const 32) (i32.const 1) (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then (return (call $failure))))
    (call $db (local.get $connection)
      (i32.const 1280) (i32.const 25) (i32.const 0) (i32.const 0) (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then (return (call $failure))))
    (call $commit-on-return (local.get $connection))
    (call $answer (i32.const 1536) (i32.const 13)))

  (func $failure (result i32)
    (call $fail (i32.const 1792) (i32.const 19))))
