;; Imports what nobody offers.
(component
  (import "evil:thing/x" (func)))
