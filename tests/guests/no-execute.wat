;; Is a component that cannot be called.
(component)
