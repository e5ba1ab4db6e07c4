;; Sends statements until the host refuses one; fails with the host's text.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "libc" "free" (global $free (mut i32)))
  (import "libc" "fail" (func $fail (param i32 i32) (result i32)))
  (import "db" "connection" (func $connection (result i32)))
  (import "db" "connection.execute" (func $db (param i32 i32 i32 i32 i32 i32)))
  (data (i32.const 64) "INSERT INTO notes VALUES (1)")

  (func (export "execute") (param i32 i32) (result i32)
    (local $connection i32)
    (local.set $connection (call $connection))
    (loop $more
      (global.set $free (i32.const 4096))
      (call $db (local.get $connection)
        (i32.const 64) (i32.const 28) (i32.const 0) (i32.const 0) (i32.const 128))
      (br_if $more (i32.eqz (i32.load8_u (i32.const 128)))))
    (call $fail (i32.load (i32.const 140)) (i32.load (i32.const 144)))))
