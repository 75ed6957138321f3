# Writes more than a hundred lines when it finds the file /local/go, and then the file /local/wrote.
job "collector" {
  datacenters = ["dc1"]

  group "group" {
    task "task" {
      driver = "nspawn"

      config {
        image        = "shared"
        boot         = false
        read_only    = true
        network_veth = false
        command      = ["/bin/sh", "-c", "trap 'exit 0' TERM; i=0; while test $i -lt 200; do echo $i; i=$((i + 1)); if test $i = 50; then until test -e /local/go; do usleep 50000; done; fi; done; echo >/local/wrote; while :; do usleep 50000; done"]
      }

      kill_timeout = "20s"

      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
