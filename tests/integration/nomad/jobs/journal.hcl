# Nomad collects no logs of it.
job "journal" {
  datacenters = ["dc1"]

  group "group" {
    task "task" {
      driver = "nspawn"

      config {
        image        = "shared"
        boot         = false
        read_only    = true
        network_veth = false
        command      = ["/bin/sh", "-c", "trap 'exit 0' TERM; echo to the journal; echo errors too >&2; while :; do usleep 50000; done"]
      }

      logs {
        disabled = true
      }

      kill_timeout = "20s"

      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
