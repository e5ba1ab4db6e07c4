;; Imports the standard way out to the network, which cells do not have.
(component
  (import "wasi:http/outgoing-handler@0.2.0" (instance)))
