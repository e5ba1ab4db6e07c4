;; Reads what its data names, a JSON object `{"c":"NAME"}` for a credential or `{"s":"KEY"}` for a
;; setting, without escapes. A credential must hold JSON: it is the answer; so is a setting's
;; value, or `{}` where there is none. Else it fails with the host's text, or with `unavailable`.
(component
  (import "skep:app/types@1.0.0" (instance $types
    (type $failure' (record
      (field "name" string) (field "message" string) (field "trace" (option string))))
    (export "failure" (type (eq $failure')))))
  (alias export $types "failure" (type $failure))
  (import "skep:app/credentials@1.0.0" (instance $credentials
    (type $error' (variant
      (case "undeclared" string) (case "not-set" string) (case "over-limit" string)
      (case "unavailable")))
    (export "error" (type $error (eq $error')))
    (export "get" (func (param "name" string) (result (result (list u8) (error $error)))))))
  (import "skep:app/settings@1.0.0" (instance $settings
    (type $error' (variant
      (case "undeclared" string) (case "invalid" string) (case "over-limit" string)
      (case "unavailable")))
    (export "error" (type $error (eq $error')))
    (export "get" (func (param "key" string)
      (result (result (option string) (error $error)))))))

  (core module $libc
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 4096))
    (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get $size)))
      (if (i32.gt_u (global.get $free) (i32.mul (memory.size) (i32.const 65536)))
        (then (drop (memory.grow
          (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1))))))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (alias export $credentials "get" (func $credential))
  (alias export $settings "get" (func $setting))
  (core func $credential
    (canon lower (func $credential) (memory $memory) (realloc $realloc)))
  (core func $setting
    (canon lower (func $setting) (memory $memory) (realloc $realloc)))

  (core module $main
    (import "libc" "memory" (memory 1))
    (import "host" "credential" (func $credential (param i32 i32 i32)))
    (import "host" "setting" (func $setting (param i32 i32 i32)))
    (data (i32.const 64) "{}")
    (data (i32.const 72) "unavailable")

    ;; The result of the host comes to 128, ours to 0.
    (func (export "execute") (param $data i32) (param $length i32) (result i32)
      (local $name i32) (local $size i32)
      (local.set $name (i32.add (local.get $data) (i32.const 6)))
      (local.set $size (i32.sub (local.get $length) (i32.const 8)))
      (if (i32.eq (i32.load8_u offset=2 (local.get $data)) (i32.const 99)) (then
        (call $credential (local.get $name) (local.get $size) (i32.const 128))
        (if (i32.eqz (i32.load8_u (i32.const 128))) (then
          (return (call $answer (i32.load (i32.const 132)) (i32.load (i32.const 136))))))
        (return (call $failure))))
      (call $setting (local.get $name) (local.get $size) (i32.const 128))
      (if (i32.load8_u (i32.const 128)) (then (return (call $failure))))
      (if (i32.load8_u (i32.const 132)) (then
        (return (call $answer (i32.load (i32.const 136)) (i32.load (i32.const 140))))))
      (call $answer (i32.const 64) (i32.const 2)))

    (func $failure (result i32)
      (if (i32.eq (i32.load8_u (i32.const 132)) (i32.const 3)) (then
        (return (call $fail (i32.const 72) (i32.const 11)))))
      (call $fail (i32.load (i32.const 136)) (i32.load (i32.const 140))))

    (func $answer (param $text i32) (param $length i32) (result i32)
      (i32.store8 (i32.const 0) (i32.const 0))
      (i32.store (i32.const 4) (local.get $text))
      (i32.store (i32.const 8) (local.get $length))
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
    (with "host" (instance
      (export "credential" (func $credential))
      (export "setting" (func $setting))))))
  (func $execute (param "data" string) (result (result string (error $failure)))
    (canon lift (core func $main "execute") (memory $memory) (realloc $realloc)))
  (export "execute" (func $execute))
)
