# nomad job run hello.hcl
job "hello" {
  datacenters = ["dc1"]
  type        = "service"

  group "hello" {
    task "hello" {
      driver = "nspawn"

      config {
        image    = "hello"
        boot     = false
        volatile = "overlay"
        command  = ["/bin/sh", "-c", "echo \"Hello from $GREETER, pid $$\"; trap 'echo bye; exit 0' TERM; while :; do sleep 1; done"]
      }

      env {
        GREETER = "a Nomad task"
      }

      resources {
        cpu    = 100
        memory = 64
      }
    }
  }
}
