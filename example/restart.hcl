# nomad job run restart.hcl
# systemd starts the container again in its unit; only when it gives up does Nomad see an end.
job "restart" {
  datacenters = ["dc1"]
  type        = "service"

  group "restart" {
    # What Nomad does after systemd has given up
    restart {
      attempts = 1
      interval = "30m"
      delay    = "15s"
      mode     = "fail"
    }

    task "restart" {
      driver = "nspawn"

      config {
        image    = "hello"
        boot     = false
        volatile = "overlay"
        command  = ["/bin/sh", "-c", "echo \"up since $(date)\"; sleep 5; exit 1"]

        restart {
          policy       = "on-failure"
          delay        = "2s"
          max_attempts = 3
          interval     = "10m"
        }
      }

      resources {
        cpu    = 100
        memory = 64
      }
    }
  }
}
