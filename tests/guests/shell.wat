;; What every guest is wrapped in: the world of `wit/`, in the words of a component.
;;
;; A guest is one core module, which comes in at GUEST. It may import:
;;   "libc": a memory whose first 4096 bytes are the guest's own, and `answer` and `fail`, which
;;           make a result of a text and give it back as `execute` and `load` do;
;;   "db":   the host's interface of that name, memory and all;
;;   "wasi": `exit`, `subscribe-duration` and `block`.
;; It exports `execute`, and `load` where it wants to be loaded.
(component $app
  (import "skep:app/types@1.0.0" (instance $types
    (type $failure' (record
      (field "name" string) (field "message" string) (field "trace" (option string))))
    (export "failure" (type (eq $failure')))))
  (alias export $types "failure" (type $failure))

  (import "skep:app/db@1.0.0" (instance $db
    (type $value' (variant
      (case "null") (case "boolean" bool) (case "integer" s64) (case "float" f64)
      (case "text" string) (case "bytes" (list u8)) (case "array" string)))
    (export "value" (type $value (eq $value')))
    (type $column' (record (field "name" string) (field "type-name" string)))
    (export "column" (type $column (eq $column')))
    (type $outcome' (record
      (field "columns" (list $column)) (field "rows" (list (list $value)))
      (field "affected" u64)))
    (export "outcome" (type $outcome (eq $outcome')))
    (type $sql-error' (record
      (field "sqlstate" string) (field "message" string) (field "detail" (option string))
      (field "hint" (option string)) (field "position" (option u32))
      (field "schema-name" (option string)) (field "table-name" (option string))
      (field "column-name" (option string)) (field "constraint-name" (option string))))
    (export "sql-error" (type $sql-error (eq $sql-error')))
    (type $error' (variant
      (case "sql" $sql-error) (case "invalid" string) (case "over-limit" string)
      (case "timed-out") (case "unavailable")))
    (export "error" (type $error (eq $error')))
    (export "connection" (type $connection (sub resource)))
    (export "execute" (func
      (param "sql" string) (param "params" (list $value))
      (result (result $outcome (error $error)))))
    (export "[constructor]connection" (func (result (own $connection))))
    (export "[method]connection.execute" (func
      (param "self" (borrow $connection)) (param "sql" string) (param "params" (list $value))
      (result (result $outcome (error $error)))))
    (export "[method]connection.commit-on-return" (func
      (param "self" (borrow $connection))))))

  (import "wasi:cli/exit@0.2.0" (instance $exit
    (export "exit" (func (param "status" (result))))))
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer $app $pollable (type $pollable'))
    (export "pollable" (type $pollable (eq $pollable')))
    (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))))

  (core module $libc
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 4096))

    ;; Takes the next bytes and never gives them back.
    (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get $size)))
      (if (i32.gt_u (global.get $free) (i32.mul (memory.size) (i32.const 65536)))
        (then (drop (memory.grow
          (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1))))))
      (local.get $at))

    ;; The result at address 0: the case `ok`, its text.
    (func (export "answer") (param $text i32) (param $length i32) (result i32)
      (i32.store8 (i32.const 0) (i32.const 0))
      (i32.store (i32.const 4) (local.get $text))
      (i32.store (i32.const 8) (local.get $length))
      (i32.const 0))

    ;; The result at address 0: the case `err`, its name and message, no trace.
    (func (export "fail") (param $text i32) (param $length i32) (result i32)
      (i32.store8 (i32.const 0) (i32.const 1))
      (i32.store (i32.const 4) (local.get $text))
      (i32.store (i32.const 8) (local.get $length))
      (i32.store (i32.const 12) (local.get $text))
      (i32.store (i32.const 16) (local.get $length))
      (i32.store8 (i32.const 20) (i32.const 0))
      (i32.const 0)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))

  (alias export $db "execute" (func $db-execute))
  (alias export $db "[constructor]connection" (func $db-connection))
  (alias export $db "[method]connection.execute" (func $db-connection-execute))
  (alias export $db "[method]connection.commit-on-return" (func $db-connection-commit-on-return))
  (alias export $exit "exit" (func $wasi-exit))
  (alias export $poll "[method]pollable.block" (func $wasi-block))
  (alias export $clock "subscribe-duration" (func $wasi-subscribe))
  (core func $db-execute
    (canon lower (func $db-execute) (memory $memory) (realloc $realloc)))
  (core func $db-connection (canon lower (func $db-connection)))
  (core func $db-connection-execute
    (canon lower (func $db-connection-execute) (memory $memory) (realloc $realloc)))
  (core func $db-connection-commit-on-return
    (canon lower (func $db-connection-commit-on-return)))
  (core func $wasi-exit (canon lower (func $wasi-exit)))
  (core func $wasi-block (canon lower (func $wasi-block)))
  (core func $wasi-subscribe (canon lower (func $wasi-subscribe)))

;; GUEST

  (core instance $guest (instantiate $guest
    (with "libc" (instance $libc))
    (with "db" (instance
      (export "execute" (func $db-execute))
      (export "connection" (func $db-connection))
      (export "connection.execute" (func $db-connection-execute))
      (export "connection.commit-on-return" (func $db-connection-commit-on-return))))
    (with "wasi" (instance
      (export "exit" (func $wasi-exit))
      (export "block" (func $wasi-block))
      (export "subscribe-duration" (func $wasi-subscribe))))))

  (func $execute (param "data" string) (result (result string (error $failure)))
    (canon lift (core func $guest "execute") (memory $memory) (realloc $realloc)))
  (export "execute" (func $execute))
;; LOAD
  (func $load (result (result (error $failure)))
    (canon lift (core func $guest "load") (memory $memory) (realloc $realloc)))
  (instance $lifecycle (export "load" (func $load)))
  (export "skep:app/lifecycle@1.0.0" (instance $lifecycle))
)
