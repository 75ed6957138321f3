// SPDX-License-Identifier: Apache-2.0

package nomad

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
)

func expect(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

func TestNodeHasAHealthyDriver(t *testing.T) {
	node, info := driver()
	if info == nil || !info.Healthy || !info.Detected {
		t.Fatalf("driver: %+v", info)
	}
	version := strings.Fields(output(t, "systemctl", "--version"))[1]
	for name, wanted := range map[string]string{"driver.nspawn": "1", "driver.nspawn.version": version, "driver.nspawn.volumes": "true"} {
		if got := node.Attributes[name]; got != wanted {
			t.Errorf("%s is %q, not %q", name, got, wanted)
		}
	}
}

func TestJobsOfTheGoDriverRunUnchanged(t *testing.T) {
	for _, spelling := range []string{"map", "list", "block"} {
		t.Run("bind_as_"+spelling, func(t *testing.T) {
			id := "go-" + spelling
			err := jobs[id].start()
			if spelling == "block" && err != nil && strings.HasSuffix(agentProgram, "-1.11") {
				t.Skipf("this agent reads no HCL1: %v", err)
			}
			alloc := start(t, id, 1)[0]
			s := waitForState(t, alloc, "everything", "dead")
			if s.Failed {
				t.Fatalf("failed:\n%s", events(s))
			}
			text := logs(alloc, "everything", "stdout")
			expect(t, text, "from-option from-env env-wins\n1000\n/local\nbound\nbound\nvolume\nread-only\n", "a file", "a secret", "host0\nlo\n")
			expect(t, events(s), "Started nspawn-everything-")
			if got := logs(alloc, "everything", "stderr"); got != "stderr\n" {
				t.Errorf("stderr: %q", got)
			}
		})
	}
}

func TestFailingJobsSayWhy(t *testing.T) {
	words := map[string][]string{
		"image":    {"image", "/no/such/image"},
		"command":  {"nosuchprogram"},
		"option":   {"imagge"},
		"together": {"process_two", "boot"},
	}
	for _, alloc := range start(t, "failing", len(words)) {
		s := waitForState(t, alloc, "task", "dead")
		if !s.Failed {
			t.Errorf("%s did not fail", alloc.TaskGroup)
		}
		expect(t, events(s), words[alloc.TaskGroup]...)
	}
}

func TestHelloExampleRunsAndStops(t *testing.T) {
	alloc := start(t, "hello", 1)[0]
	waitForLog(t, alloc, "hello", "stdout", "Hello from a Nomad task")
	if got := state(t, alloc, "hello"); got.State != "running" {
		t.Fatal(events(got))
	}
	unit := unitOf(alloc, "hello")
	if got := output(t, "systemctl", "show", "-P", "MemoryMax", unit); got != strconv.Itoa(64<<20) {
		t.Errorf("MemoryMax is %s", got)
	}
	expect(t, events(state(t, alloc, "hello")), "Started "+unit)
	stop(t, "hello")
	s := waitForState(t, alloc, "hello", "dead")
	if s.Failed {
		t.Errorf("failed:\n%s", events(s))
	}
	expect(t, logs(alloc, "hello", "stdout"), "bye")
}

func TestGroupNetworkIsJoinedAndUsersStayApart(t *testing.T) {
	// The network hook of Nomad 1.11 fails for mode "none" before it asks a driver: "network already configured but
	// not found in state".
	if strings.HasSuffix(os.Getenv("NOMAD_AGENT"), "1.11") {
		t.Skip("this agent cannot set up a network of mode none")
	}
	alloc := start(t, "network", 1)[0]
	lines := strings.Split(waitForLog(t, alloc, "task", "stdout", "ready"), "\n")
	if strings.TrimSpace(lines[0]) != "lo" {
		t.Errorf("interfaces: %s", lines[0])
	}
	if ids := strings.Fields(lines[1]); len(ids) != 3 || ids[1] == "0" {
		t.Errorf("no user namespace: %s", lines[1])
	}
	config, _, err := client.Operator().SchedulerGetConfiguration(nil)
	if err == nil && config.SchedulerConfig.MemoryOversubscriptionEnabled {
		if got := output(t, "systemctl", "show", "-P", "MemoryMax", unitOf(alloc, "task")); got != strconv.Itoa(48<<20) {
			t.Errorf("MemoryMax is %s", got)
		}
		if got := output(t, "systemctl", "show", "-P", "MemoryLow", unitOf(alloc, "task")); got != strconv.Itoa(16<<20) {
			t.Errorf("MemoryLow is %s", got)
		}
	}
	stop(t, "network")
	waitForState(t, alloc, "task", "dead")
}

// count returns how many numbers a log has; they must be consecutive.
func count(t *testing.T, alloc *api.Allocation) (n int, last string) {
	t.Helper()
	for _, line := range strings.Split(logs(alloc, "task", "stdout"), "\n") {
		if strings.HasPrefix(line, "last ") || line == "" {
			last += line
			continue
		}
		got, err := strconv.Atoi(line)
		if err != nil || got != n {
			t.Fatalf("%q where %d should be", line, n)
		}
		n++
	}
	return n, last
}

func waitForGrowth(t *testing.T, allocs []*api.Allocation) {
	t.Helper()
	for _, alloc := range allocs {
		before, _ := count(t, alloc)
		until(t, "more output", func() (bool, string) {
			n, _ := count(t, alloc)
			return n > before, strconv.Itoa(n)
		})
	}
}

func TestTasksSurviveSigkillOfPluginAndAgent(t *testing.T) {
	allocs := start(t, "counting", 5)
	pids := map[string]string{}
	for _, alloc := range allocs {
		waitForLog(t, alloc, "task", "stdout", "\n9\n")
		pids[alloc.ID] = output(t, "systemctl", "show", "-P", "MainPID", unitOf(alloc, "task"))
	}

	old := pluginPid()
	if old == 0 {
		t.Fatal("there is not exactly one plugin")
	}
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, "a new plugin", func() (bool, string) {
		pid := pluginPid()
		return pid != 0 && pid != old, strconv.Itoa(pid)
	})
	// Only then has the agent noted where the plugin listens: one that is killed before loses it, and starts another.
	until(t, "a command through the new plugin", func() (bool, string) {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		code, err := command(ctx, allocs[0], strings.NewReader(""), io.Discard, io.Discard, "/bin/true")
		return err == nil && code == 0, fmt.Sprint(code, err)
	})
	waitForGrowth(t, allocs)

	if err := agent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-agentGone
	for _, alloc := range allocs {
		if got := output(t, "systemctl", "is-active", unitOf(alloc, "task")); got != "active" {
			t.Errorf("without an agent the task is %s", got)
		}
	}
	if err := startAgent(); err != nil {
		t.Fatal(err)
	}
	if err := waitForDriver(); err != nil {
		t.Fatal(err)
	}
	waitForGrowth(t, allocs)

	for _, alloc := range allocs {
		s := state(t, alloc, "task")
		if s.State != "running" || s.Restarts != 0 || strings.Contains(events(s), "Restarting") {
			t.Errorf("%s, %d restarts\n%s", s.State, s.Restarts, events(s))
		}
		if got := output(t, "systemctl", "show", "-P", "MainPID", unitOf(alloc, "task")); got != pids[alloc.ID] {
			t.Errorf("the task's process is %s, was %s", got, pids[alloc.ID])
		}
	}
	stop(t, "counting")
	for _, alloc := range allocs {
		if s := waitForState(t, alloc, "task", "dead"); s.Failed {
			t.Errorf("failed:\n%s", events(s))
		}
		n, last := count(t, alloc)
		// The signal may come after the task has written a number and before it adds one to it.
		if last != "last "+strconv.Itoa(n) && last != "last "+strconv.Itoa(n-1) {
			t.Errorf("%d lines and then %q", n, last)
		}
		until(t, "the unit is gone", func() (bool, string) {
			got := output(t, "systemctl", "show", "-P", "LoadState", unitOf(alloc, "task"))
			return got == "not-found", got
		})
	}
}

func haveDebian() bool {
	_, err := os.Stat(filepath.Join(os.Getenv("NSPAWN_TEST_DIR"), "images/debian/etc"))
	return err == nil
}

func TestBootedDebianExampleRunsAndShutsDown(t *testing.T) {
	if !haveDebian() {
		if os.Getenv("NSPAWN_TEST_NO_DEBIAN") != "" {
			t.Skip("there is no Debian image (NSPAWN_TEST_NO_DEBIAN is set)")
		}
		t.Fatal("there is no Debian image: DEBIAN_IMAGE was missing when payload.sh ran (NSPAWN_TEST_NO_DEBIAN=1 skips this)")
	}
	alloc := start(t, "debian", 1)[0]
	waitForState(t, alloc, "debian", "running")
	machine := "debian-" + alloc.ID
	until(t, "systemd is up inside", func() (bool, string) {
		out, _ := execOutput("systemctl", "-M", machine, "is-system-running")
		return out == "running", out
	})
	expect(t, output(t, "machinectl", "show", "-p", "State", machine), "running")
	begin := time.Now()
	stop(t, "debian")
	s := waitForState(t, alloc, "debian", "dead")
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("it took %v to shut down", took)
	}
	if s.Failed {
		t.Errorf("failed:\n%s", events(s))
	}
	expect(t, events(s), "Exit Code: 0")
}
