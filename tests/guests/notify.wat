;; Sends the notification that its data names, a JSON object `{"K":"NAME"}` without escapes, with
;; the payload `[1]`. It answers `{}` where K is `s`, and fails where it is anything else, or with
;; the host's text where the host refuses.
(component
  (import "skep:app/types@1.0.0" (instance $types
    (type $failure' (record
      (field "name" string) (field "message" string) (field "trace" (option string))))
    (export "failure" (type (eq $failure')))))
  (alias export $types "failure" (type $failure))
  (import "skep:app/notify@1.0.0" (instance $notify
    (type $error' (variant
      (case "undeclared" string) (case "invalid" string) (case "over-limit" string)))
    (export "error" (type $error (eq $error')))
    (export "send" (func (param "action" string) (param "payload" string)
      (result (result (error $error)))))))

  (core module $libc
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 4096))
    (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get $size)))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (alias export $notify "send" (func $send))
  (core func $send (canon lower (func $send) (memory $memory) (realloc $realloc)))

  (core module $main
    (import "libc" "memory" (memory 1))
    (import "host" "send" (func $send (param i32 i32 i32 i32 i32)))
    (data (i32.const 64) "{}")
    (data (i32.const 72) "failed")
    (data (i32.const 80) "[1]")

    ;; The result of the host comes to 128, ours to 0.
    (func (export "execute") (param $data i32) (param $length i32) (result i32)
      (call $send
        (i32.add (local.get $data) (i32.const 6)) (i32.sub (local.get $length) (i32.const 8))
        (i32.const 80) (i32.const 3) (i32.const 128))
      (if (i32.load8_u (i32.const 128)) (then
        (return (call $fail (i32.load (i32.const 136)) (i32.load (i32.const 140))))))
      (if (i32.ne (i32.load8_u offset=2 (local.get $data)) (i32.const 115)) (then
        (return (call $fail (i32.const 72) (i32.const 6)))))
      (i32.store8 (i32.const 0) (i32.const 0))
      (i32.store (i32.const 4) (i32.const 64))
      (i32.store (i32.const 8) (i32.const 2))
      (i32.const 0))

    (func $fail (param $text i32) (param $length i32) (result i32)
      (i32.store8 (i32.const 0) (i32.const 1))
      (i32.store (i32.const 4) (local.get $text))
      (i32.store (i32.const 8) (local.get $length))
      (i32.store (i32.const 12) (local.get $text))
      (i32.store (i32.const 16) (local.get $length))
      (i32.store8 (i32.const 20) (i32.const 0))
      (i32.const 0)))
  (core instance $main (instantiate $main
    (with "libc" (instance $libc))
    (with "host" (instance (export "send" (func $send))))))
  (func $execute (param "data" string) (result (result string (error $failure)))
    (canon lift (core func $main "execute") (memory $memory) (realloc $realloc)))
  (export "execute" (func $execute))
)
