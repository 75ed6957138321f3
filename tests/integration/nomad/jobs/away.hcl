# Each group ends in another way when it finds the file /local/go.
job "away" {
  datacenters = ["dc1"]
  type        = "batch"

  dynamic "group" {
    for_each = {
      agent-code    = "exit 7"
      agent-zero    = "exit 0"
      agent-signal  = "kill -SEGV $$"
      plugin-code   = "exit 9"
      plugin-zero   = "exit 0"
      plugin-signal = "kill -KILL $$"
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
          command      = ["/bin/sh", "-c", "echo ready; until test -e /local/go; do usleep 50000; done; ${group.value}"]
        }

        resources {
          cpu    = 20
          memory = 16
        }
      }
    }
  }
}
