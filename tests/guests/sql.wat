;; Runs its data, a JSON object `{"sql":"..."}` without escapes, as one statement, and answers with
;; the first value of the result or fails with the SQLSTATE or the host's text.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "libc" "answer" (func $answer (param i32 i32) (result i32)))
  (import "libc" "fail" (func $fail (param i32 i32) (result i32)))
  (import "db" "execute" (func $db (param i32 i32 i32 i32 i32)))
  (data (i32.const 64) "true")
  (data (i32.const 72) "timed out")
  (data (i32.const 88) "unavailable")

  (func (export "execute") (param $data i32) (param $length i32) (result i32)
    (local $value i32)
    ;; What stands between `{"sql":"` and `"}`. The result comes to 128.
    (call $db
      (i32.add (local.get $data) (i32.const 8)) (i32.sub (local.get $length) (i32.const 10))
      (i32.const 0) (i32.const 0) (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then (return (call $failure))))
    ;; No rows.
    (if (i32.eqz (i32.load (i32.const 148))) (then
      (return (call $answer (i32.const 64) (i32.const 4)))))
    (local.set $value (i32.load (i32.load (i32.const 144))))
    ;; Only a text is shown; it must be JSON.
    (if (i32.ne (i32.load8_u (local.get $value)) (i32.const 4)) (then
      (return (call $answer (i32.const 64) (i32.const 4)))))
    (call $answer
      (i32.load offset=8 (local.get $value)) (i32.load offset=12 (local.get $value))))

  (func $failure (result i32)
    (local $case i32)
    (local.set $case (i32.load8_u (i32.const 136)))
    (if (i32.eq (local.get $case) (i32.const 3)) (then
      (return (call $fail (i32.const 72) (i32.const 9)))))
    (if (i32.eq (local.get $case) (i32.const 4)) (then
      (return (call $fail (i32.const 88) (i32.const 11)))))
    ;; The SQLSTATE or the text.
    (call $fail (i32.load (i32.const 140)) (i32.load (i32.const 144)))))
