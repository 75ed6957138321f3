# nomad agent -config agent.hcl: one machine that is server and client
data_dir   = "/var/lib/nomad"
plugin_dir = "/usr/lib/nomad/plugins"

server {
  enabled          = true
  bootstrap_expect = 1
}

client {
  enabled = true
}

# Nomad 2.0 collects the resource usage of tasks (nomad alloc status -stats) only with this; older agents always do.
telemetry {
  publish_allocation_metrics = true
}

# The label is the file name of the plugin; newer agents load only plugins that have such a block.
plugin "nomad-driver-nspawn" {
  config {
    enabled = true
    volumes = true
  }
}
