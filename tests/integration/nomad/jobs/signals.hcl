# Says which signals it gets, until it is stopped.
job "signals" {
  datacenters = ["dc1"]

  group "group" {
    task "task" {
      driver = "nspawn"

      config {
        image        = "shared"
        boot         = false
        read_only    = true
        network_veth = false
        command      = ["/bin/sh", "-c", "for s in HUP INT QUIT USR1 USR2 ALRM WINCH; do trap \"echo got $s\" $s; done; trap 'exit 0' TERM; echo ready; while :; do usleep 50000; done"]
      }

      kill_timeout = "20s"

      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
