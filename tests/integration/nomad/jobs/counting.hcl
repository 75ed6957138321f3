# Each counts until it is stopped.
job "counting" {
  datacenters = ["dc1"]

  group "group" {
    count = 5

    task "task" {
      driver = "nspawn"

      config {
        image        = "shared"
        boot         = false
        read_only    = true
        network_veth = false
        command      = ["/bin/sh", "-c", "trap 'echo last $i; exit 0' TERM; i=0; while :; do echo $i; i=$((i + 1)); usleep 50000; done"]
      }

      kill_timeout = "20s"

      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
