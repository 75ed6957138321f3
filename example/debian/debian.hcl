# A booted Debian: example/debian/build.sh /var/lib/machines/debian, then nomad job run debian.hcl
job "debian" {
  datacenters = ["dc1"]
  type        = "service"

  group "linux" {
    count = 1

    task "debian" {
      driver = "nspawn"

      config {
        image       = "debian"
        resolv_conf = "copy-host"
      }

      # An orderly shutdown takes its time.
      kill_timeout = "30s"

      resources {
        cpu    = 500
        memory = 256
      }
    }
  }
}
