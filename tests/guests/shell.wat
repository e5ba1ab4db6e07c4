;; What every guest is wrapped in: the world of `wit/`, in the words of a component.
;;
;; A guest is one core module, which comes in at GUEST. It may import:
;;   "libc": a memory whose first 4096 bytes are the guest's own, and `answer` and `fail`, which
;;           make a result of a text and give it back as `execute` and `load` do;
;;   "db":   the host's interface of that name, memory and all;
;;   "wasi": `exit`, `subscribe-duration`, `block`, `poll`, `random`, `stdout` and `print`;
;;   "skep": `call-id` and `log`.
;; It exports `execute`, and `load`, `hook` and `task` where it wants to be called so.
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

  (import "skep:app/caller@1.0.0" (instance $caller
    (export "call-id" (func (result string)))))
  (import "skep:app/log@1.0.0" (instance $log
    (type $level' (enum "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $level')))
    (export "write" (func
      (param "level" $level) (param "message" string) (param "detail" (option string))))))

  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (import "wasi:io/error@0.2.0" (instance $io-error
    (export "error" (type (sub resource)))))
  (alias export $io-error "error" (type $io-error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer $app $io-error (type $error'))
    (export "error" (type $error (eq $error')))
    (export "output-stream" (type $output-stream (sub resource)))
    (type $stream-error' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "[method]output-stream.blocking-write-and-flush" (func
      (param "self" (borrow $output-stream)) (param "contents" (list u8))
      (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer $app $output-stream (type $output-stream'))
    (export "output-stream" (type $output-stream (eq $output-stream')))
    (export "get-stdout" (func (result (own $output-stream))))))
  (import "wasi:cli/exit@0.2.0" (instance $exit
    (export "exit" (func (param "status" (result))))))
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))
    (export "poll" (func (param "in" (list (borrow $pollable))) (result (list u32))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer $app $pollable (type $pollable'))
    (export "pollable" (type $pollable (eq $pollable')))
    (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))))

  (core module $libc
    (memory (export "memory") 1)
    (global $free (export "free") (mut i32) (i32.const 4096))

    ;; Takes the next bytes. Only a guest that resets `free` ever gives them back.
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
  (alias export $poll "poll" (func $wasi-poll))
  (alias export $clock "subscribe-duration" (func $wasi-subscribe))
  (alias export $random "get-random-bytes" (func $wasi-random))
  (alias export $stdout "get-stdout" (func $wasi-stdout))
  (alias export $streams "[method]output-stream.blocking-write-and-flush" (func $wasi-print))
  (alias export $caller "call-id" (func $skep-call-id))
  (alias export $log "write" (func $skep-log))
  (core func $db-execute
    (canon lower (func $db-execute) (memory $memory) (realloc $realloc)))
  (core func $db-connection (canon lower (func $db-connection)))
  (core func $db-connection-execute
    (canon lower (func $db-connection-execute) (memory $memory) (realloc $realloc)))
  (core func $db-connection-commit-on-return
    (canon lower (func $db-connection-commit-on-return)))
  (core func $wasi-exit (canon lower (func $wasi-exit)))
  (core func $wasi-block (canon lower (func $wasi-block)))
  (core func $wasi-poll
    (canon lower (func $wasi-poll) (memory $memory) (realloc $realloc)))
  (core func $wasi-subscribe (canon lower (func $wasi-subscribe)))
  (core func $wasi-random
    (canon lower (func $wasi-random) (memory $memory) (realloc $realloc)))
  (core func $wasi-stdout (canon lower (func $wasi-stdout)))
  (core func $wasi-print (canon lower (func $wasi-print) (memory $memory)))
  (core func $skep-call-id
    (canon lower (func $skep-call-id) (memory $memory) (realloc $realloc)))
  (core func $skep-log (canon lower (func $skep-log) (memory $memory)))

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
      (export "poll" (func $wasi-poll))
      (export "random" (func $wasi-random))
      (export "stdout" (func $wasi-stdout))
      (export "print" (func $wasi-print))
      (export "subscribe-duration" (func $wasi-subscribe))))
    (with "skep" (instance
      (export "call-id" (func $skep-call-id))
      (export "log" (func $skep-log))))))

  ;; What every call comes in by. Data that begins with `{"calm":` is answered with itself, so that
  ;; any guest has a call that goes well. Where it begins with `{"note":`, the guest is called
  ;; with a transaction open that has written a row into the table `notes`.
  (core module $door
    (import "libc" "memory" (memory 1))
    (import "libc" "answer" (func $answer (param i32 i32) (result i32)))
    (import "db" "connection" (func $connection (result i32)))
    (import "db" "connection.execute" (func $db (param i32 i32 i32 i32 i32 i32)))
    (import "guest" "execute" (func $execute (param i32 i32) (result i32)))
    (data (i32.const 4064) "INSERT INTO notes VALUES (1)")

    (func (export "execute") (param $data i32) (param $length i32) (result i32)
      (local $begins i64)
      (local.set $begins (i64.load align=1 (local.get $data)))
      (if (i64.eq (local.get $begins) (i64.const 0x3a226d6c6163227b))
        (then (return (call $answer (local.get $data) (local.get $length)))))
      (if (i64.eq (local.get $begins) (i64.const 0x3a2265746f6e227b))
        (then (call $db (call $connection)
          (i32.const 4064) (i32.const 28) (i32.const 0) (i32.const 0) (i32.const 3968))))
      (call $execute (local.get $data) (local.get $length))))
  (core instance $door (instantiate $door
    (with "libc" (instance $libc))
    (with "db" (instance
      (export "connection" (func $db-connection))
      (export "connection.execute" (func $db-connection-execute))))
    (with "guest" (instance $guest))))

  (func $execute (param "data" string) (result (result string (error $failure)))
    (canon lift (core func $door "execute") (memory $memory) (realloc $realloc)))
  (export "execute" (func $execute))
;; LOAD
  (func $load (result (result (error $failure)))
    (canon lift (core func $guest "load") (memory $memory) (realloc $realloc)))
;; HOOK
  (func $hook (param "name" string) (param "payload" string)
    (result (result string (error $failure)))
    (canon lift (core func $guest "hook") (memory $memory) (realloc $realloc)))
;; TASK
  (func $run (param "name" string) (param "payload" string)
    (result (result string (error $failure)))
    (canon lift (core func $guest "task") (memory $memory) (realloc $realloc)))
  (instance $task (export "run" (func $run)))
  (export "skep:app/task@1.0.0" (instance $task))
