# Each group fails for another reason.
job "failing" {
  datacenters = ["dc1"]
  type        = "batch"

  group "image" {
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
        image = "/no/such/image"
      }

      resources {
        cpu    = 20
        memory = 16
      }
    }
  }

  group "command" {
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
        image     = "shared"
        boot      = false
        read_only = true
        command   = ["nosuchprogram"]
      }

      resources {
        cpu    = 20
        memory = 16
      }
    }
  }

  group "option" {
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
        image  = "shared"
        imagge = "x"
      }

      resources {
        cpu    = 20
        memory = 16
      }
    }
  }

  group "together" {
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
        image       = "shared"
        process_two = true
      }

      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
