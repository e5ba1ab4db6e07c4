;; Imports a server of HTTP, which cells are and do not use.
(component
  (import "wasi:http/incoming-handler@0.2.0" (instance)))
