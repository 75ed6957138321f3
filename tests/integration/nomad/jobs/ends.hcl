# Each group ends in another way.
job "ends" {
  datacenters = ["dc1"]
  type        = "batch"

  dynamic "group" {
    for_each = {
      code-0   = "exit 0"
      code-1   = "exit 1"
      code-7   = "exit 7"
      code-133 = "exit 133"
      code-255 = "exit 255"
      kill     = "kill -KILL $$"
      segv     = "kill -SEGV $$"
      memory   = "exec tail /dev/zero"
    }
    labels = [group.key]

    content {
      restart {
        attempts = 0
        mode     = "fail"
      }

      reschedule {
        attempts  = 0
        unlimited = false
      }

      task "task" {
        driver = "nspawn"

        config {
          image        = "shared"
          boot         = false
          read_only    = true
          network_veth = false
          command      = ["/bin/sh", "-c", group.value]
        }

        resources {
          cpu    = 20
          memory = 16
        }
      }
    }
  }
}
