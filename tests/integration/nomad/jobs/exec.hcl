# Waits for commands; its check passes while there is a file /local/good.
job "exec" {
  datacenters = ["dc1"]

  group "group" {
    task "task" {
      driver = "nspawn"

      config {
        image        = "shared"
        boot         = false
        read_only    = true
        network_veth = false
        command      = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do usleep 50000; done"]
      }

      env {
        FROM_ENV = "from-env"
      }

      service {
        name = "checked"

        check {
          type     = "script"
          command  = "/bin/sh"
          args     = ["-c", "grep -q '^ID=hello' /etc/os-release && cat /local/good || exit 2"]
          interval = "5s"
          timeout  = "30s"
        }
      }

      kill_timeout = "20s"

      resources {
        cpu    = 20
        memory = 64
      }
    }
  }
}
