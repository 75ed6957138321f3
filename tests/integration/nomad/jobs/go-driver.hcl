# A job as written for the Go driver, with every option of it that this driver has. The test fills in its name and its binds,
# an option that has several spellings.
job "NAME" {
  datacenters = ["dc1"]
  type        = "batch"

  group "group" {
    restart {
      attempts = 0
      mode     = "fail"
    }

    reschedule {
      attempts  = 0
      unlimited = false
    }

    volume "data" {
      type   = "host"
      source = "data"
    }

    task "everything" {
      driver = "nspawn"
      user   = "nobody-at-all"

      config {
        image                   = "shared"
        boot                    = false
        command                 = ["/bin/sh", "-c", "echo $FROM_OPTION $FROM_ENV $BOTH; id -u; pwd; cat /run/bound/in /run/bound-ro/in /run/data/in; echo stderr >&2; (echo x >/root/x) 2>/dev/null || echo read-only; echo written >$NOMAD_ALLOC_DIR/data/out; cat $NOMAD_TASK_DIR/file; tail -c +1 $NOMAD_SECRETS_DIR/secret; ls /sys/class/net; grep CapBnd /proc/self/status"]
        read_only               = true
        ephemeral               = false
        volatile                = "no"
        process_two             = false
        user                    = "app"
        working_directory       = "/local"
        capability              = ["CAP_NET_ADMIN"]
        console                 = "pipe"
        resolv_conf             = "off"
        user_namespacing        = true
        private_users           = "pick"
        private_users_ownership = "auto"
        network_veth            = true

        BINDS
      }

      env {
        FROM_ENV = "from-env"
        BOTH     = "env-wins"
      }

      template {
        data        = "a file"
        destination = "local/file"
        perms       = "644"
      }

      template {
        data        = "a secret"
        destination = "secrets/secret"
        perms       = "644"
      }

      volume_mount {
        volume      = "data"
        destination = "/run/data"
        read_only   = true
      }

      resources {
        cpu    = 100
        memory = 32
      }
    }
  }
}
