;; Adds one header after the other to a request that it never sends.
(component $app
  (import "skep:app/types@1.0.0" (instance $types
    (type $failure' (record
      (field "name" string) (field "message" string) (field "trace" (option string))))
    (export "failure" (type (eq $failure')))))
  (alias export $types "failure" (type $failure))
  (import "wasi:http/types@0.2.0" (instance $http
    (export "fields" (type $fields (sub resource)))
    (type $header-error' (variant (case "invalid-syntax") (case "forbidden") (case "immutable")))
    (export "header-error" (type $header-error (eq $header-error')))
    (export "[constructor]fields" (func (result (own $fields))))
    (export "[method]fields.append" (func
      (param "self" (borrow $fields)) (param "name" string) (param "value" (list u8))
      (result (result (error $header-error)))))))
  (import "wasi:http/outgoing-handler@0.2.0" (instance))

  (core module $libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (alias export $http "[constructor]fields" (func $fields))
  (alias export $http "[method]fields.append" (func $append))
  (core func $fields (canon lower (func $fields)))
  (core func $append (canon lower (func $append) (memory $memory) (realloc $realloc)))

  (core module $sender
    (import "libc" "memory" (memory 1))
    (import "http" "fields" (func $fields (result i32)))
    (import "http" "append" (func $append (param i32 i32 i32 i32 i32 i32)))
    (data (i32.const 64) "x-a")
    (func (export "execute") (param i32 i32) (result i32)
      (local $fields i32)
      (local.set $fields (call $fields))
      (loop $more
        (call $append (local.get $fields)
          (i32.const 64) (i32.const 3) (i32.const 64) (i32.const 3) (i32.const 0))
        (br $more))
      (unreachable)))
  (core instance $sender (instantiate $sender
    (with "libc" (instance $libc))
    (with "http" (instance
      (export "fields" (func $fields))
      (export "append" (func $append))))))
  (func (export "execute") (param "data" string) (result (result string (error $failure)))
    (canon lift (core func $sender "execute") (memory $memory) (realloc $realloc))))
