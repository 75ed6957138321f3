// SPDX-License-Identifier: Apache-2.0

package nomad

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
)

// consul stands in for the Consul agent that Nomad needs for script checks: it accepts every request, and keeps the
// results of the checks.
type consul struct {
	mutex  sync.Mutex
	checks map[string]checkState
}

type checkState struct{ Status, Output string }

const consulAddress = "127.0.0.1:8500"

var checks = &consul{checks: map[string]checkState{}}

func (c *consul) start() error {
	listener, err := net.Listen("tcp", consulAddress)
	if err == nil {
		go func() { _ = http.Serve(listener, c) }()
	}
	return err
}

func (c *consul) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/v1/agent/self":
		_, _ = w.Write([]byte(`{"Config": {"Datacenter": "dc1", "NodeName": "test", "Version": "1.15.0", "Revision": "0", "Server": true},
			"DebugConfig": {"GRPCPort": -1, "ConnectEnabled": false}, "Stats": {"consul": {"leader_addr": "127.0.0.1:8300"}}, "Member": {}}`))
	case r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/v1/agent/check/update/"):
		var state checkState
		if err := json.NewDecoder(r.Body).Decode(&state); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		c.mutex.Lock()
		defer c.mutex.Unlock()
		c.checks[strings.TrimPrefix(r.URL.Path, "/v1/agent/check/update/")] = state
	case r.Method == http.MethodPut:
	case r.URL.Path == "/v1/agent/services" || r.URL.Path == "/v1/agent/checks":
		_, _ = w.Write([]byte("{}"))
	default:
		http.NotFound(w, r)
	}
}

// last returns the latest result of each check.
func (c *consul) last() map[string]checkState {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	states := map[string]checkState{}
	for id, state := range c.checks {
		states[id] = state
	}
	return states
}
