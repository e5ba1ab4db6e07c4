;; Grows its memory by 2 MiB and sends three statements, whose results have 1, 2 and 4 rows.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "libc" "answer" (func $answer (param i32 i32) (result i32)))
  (import "db" "execute" (func $db (param i32 i32 i32 i32 i32)))
  (data (i32.const 64) "SELECT 1")
  (data (i32.const 80) "SELECT 2 UNION ALL SELECT 3")
  (data (i32.const 112) "SELECT * FROM generate_series(1, 4)")
  (data (i32.const 160) "{}")

  (func (export "execute") (param i32 i32) (result i32)
    (drop (memory.grow (i32.const 32)))
    (call $db (i32.const 64) (i32.const 8) (i32.const 0) (i32.const 0) (i32.const 256))
    (call $db (i32.const 80) (i32.const 27) (i32.const 0) (i32.const 0) (i32.const 256))
    (call $db (i32.const 112) (i32.const 35) (i32.const 0) (i32.const 0) (i32.const 256))
    (call $answer (i32.const 160) (i32.const 2))))
