// SPDX-License-Identifier: Apache-2.0

// Package nomad drives a real Nomad agent over its HTTP API, in the test host. One agent serves all tests. A run of
// all tests starts all jobs together; a run of single tests starts only theirs.
package nomad

import (
	"embed"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
)

const limit = 120 * time.Second

//go:embed jobs/*.hcl
var jobFiles embed.FS

var (
	agentProgram = os.Getenv("NOMAD_AGENT")
	payload      = os.Getenv("NSPAWN_PAYLOAD")
	directory    = filepath.Join(os.Getenv("NSPAWN_TEST_DIR"), "nomad")
	client       *api.Client
	agent        *exec.Cmd
	agentGone    chan struct{}
)

// until waits for a condition and fails the test with what was seen last.
func until(t testing.TB, what string, condition func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		good, seen := condition()
		if good {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v; seen last: %s", what, limit, seen)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func startAgent() error {
	log, err := os.OpenFile(filepath.Join(directory, "agent.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	agent = exec.Command(agentProgram, "agent", "-config", filepath.Join(directory, "agent.hcl"))
	agent.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/root"}
	agent.Stdout, agent.Stderr = log, log
	if err = agent.Start(); err != nil {
		return err
	}
	gone, process := make(chan struct{}), agent
	agentGone = gone
	go func() {
		_ = process.Wait()
		close(gone)
	}()
	return nil
}

const configuration = `
data_dir   = "%[1]s/data"
plugin_dir = "%[1]s/plugins"
bind_addr  = "192.0.2.2"
log_level  = "DEBUG"
disable_update_check = true

limits {
  http_max_conns_per_client = 0
}

telemetry {
  collection_interval        = "1s"
  publish_allocation_metrics = true
}

# The tests' stand-in for Consul, which Nomad needs for script checks only.
consul {
  address          = "%[2]s"
  auto_advertise   = false
  server_auto_join = false
  client_auto_join = false
}

server {
  enabled          = true
  bootstrap_expect = 1
}

client {
  enabled           = true
  network_interface = "uplink0"
  options = {
    "driver.allowlist" = "nspawn"
  }
  host_volume "data" {
    path = "%[1]s/volume"
  }
}

plugin "nomad-driver-nspawn" {
  config {
    enabled = true
    volumes = true
  }
}
`

func run(line string) error {
	out, err := exec.Command("bash", "-euc", line).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", line, err, out)
	}
	return nil
}

// setUp makes the agent's directories; relative images start at the plugin directory.
func setUp() error {
	images := filepath.Join(os.Getenv("NSPAWN_TEST_DIR"), "images")
	err := run(fmt.Sprintf(`
		mkdir -p %[1]s/plugins %[1]s/volume %[1]s/bound
		echo volume >%[1]s/volume/in
		echo bound >%[1]s/bound/in
		chmod 755 %[1]s/volume %[1]s/bound
		mkdir -p /usr/lib/nspawn-units
		install %[2]s/nspawn-units-* /usr/lib/nspawn-units/
		install %[2]s/nomad-driver-nspawn %[1]s/plugins/
		rm -rf %[1]s/plugins/hello %[1]s/plugins/shared
		cp -a %[3]s/hello %[1]s/plugins/hello
		cp -a %[3]s/hello %[1]s/plugins/shared
		ln -sfn %[3]s/debian %[1]s/plugins/debian`, directory, payload, images))
	if err != nil {
		return err
	}
	text := fmt.Sprintf(configuration, directory, consulAddress)
	return os.WriteFile(filepath.Join(directory, "agent.hcl"), []byte(text), 0o600)
}

// driver returns the node, and what it reports about our driver.
func driver() (*api.Node, *api.DriverInfo) {
	nodes, _, err := client.Nodes().List(nil)
	if err != nil || len(nodes) != 1 || nodes[0].Status != "ready" {
		return nil, nil
	}
	node, _, err := client.Nodes().Info(nodes[0].ID, nil)
	if err != nil {
		return nil, nil
	}
	return node, node.Drivers["nspawn"]
}

func waitForDriver() error {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		select {
		case <-agentGone:
			return fmt.Errorf("the agent ended: %v", agent.ProcessState)
		default:
		}
		if _, info := driver(); info != nil && info.Healthy {
			return nil
		}
	}
	return fmt.Errorf("the node has no healthy driver after %v", limit)
}

// stopAgent ends the agent as a service manager does, fails if a plugin outlives it by 5 s, and removes what they
// leave, with their mounts.
func stopAgent() error {
	if agent == nil {
		return nil
	}
	_ = agent.Process.Signal(syscall.SIGINT)
	<-agentGone
	return run(fmt.Sprintf(`
		end=$((SECONDS + 5))
		while left=$(pgrep -fa '%[1]s/plugins/nomad-drive[r]-nspawn') && ((SECONDS < end)); do
			sleep 0.1
		done
		pkill -KILL -f '%[1]s/plugins/nomad-drive[r]-nspawn' || true
		for pid in $(pgrep -x nomad-1.6) $(pgrep -x nomad-1.11); do
			tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q logmon && kill "$pid" || true
		done
		awk '$2 ~ "^%[1]s/" { print $2 }' /proc/mounts | sort -r | while read -r mount; do umount "$mount"; done
		rm -rf %[1]s
		test -z "$left" || { echo "plugins that outlive the agent: $left"; exit 1; }`, directory))
}

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if err = os.MkdirAll(directory, 0o755); err == nil {
		err = setUp()
	}
	if err == nil {
		err = checks.start()
	}
	if err == nil {
		err = startAgent()
	}
	if err == nil {
		client, err = api.NewClient(&api.Config{Address: "http://192.0.2.2:4646"})
	}
	if err == nil {
		err = waitForDriver()
	}
	code := 1
	if err == nil {
		if pattern := flag.Lookup("test.run").Value.String(); pattern == "" || pattern == "." {
			startAll()
		}
		code = m.Run()
		purgeAll()
	} else {
		fmt.Println(err)
	}
	if code != 0 {
		_ = run(fmt.Sprintf("cp %[1]s/agent.log %[1]s/../results/", directory))
		fmt.Println("=== the agent's log is in results/agent.log")
	}
	if err = stopAgent(); err != nil {
		fmt.Println("--- FAIL: stopping_the_agent (0.00s)\n", err)
		code = 1
	}
	os.Exit(code)
}

// A job of the tests. A late one starts after the tests that kill the plugin.
type job struct {
	id   string
	late bool
	once sync.Once
	err  error
	make func() (*api.Job, error)
}

var jobs = map[string]*job{}

func parse(text string, hcl1 bool) (*api.Job, error) {
	return client.Jobs().ParseHCLOpts(&api.JobsParseRequest{JobHCL: text, HCLv1: hcl1, Canonicalize: true})
}

func add(id string, text func() (string, error), hcl1 bool) {
	jobs[id] = &job{id: id, make: func() (*api.Job, error) {
		s, err := text()
		if err != nil {
			return nil, err
		}
		return parse(s, hcl1)
	}}
}

func embedded(name string) func() (string, error) {
	return func() (string, error) {
		text, err := jobFiles.ReadFile("jobs/" + name + ".hcl")
		return string(text), err
	}
}

func example(path string) func() (string, error) {
	return func() (string, error) {
		text, err := os.ReadFile(filepath.Join(payload, "example", path))
		return string(text), err
	}
}

func goDriver(name, binds string) func() (string, error) {
	return func() (string, error) {
		text, err := embedded("go-driver")()
		text = strings.Replace(text, "NAME", name, 1)
		return strings.Replace(text, "BINDS\n", strings.ReplaceAll(binds, "DIR", directory)+"\n", 1), err
	}
}

func init() {
	environment := "\nenvironment = {\n FROM_OPTION = \"from-option\"\n BOTH = \"option-loses\"\n}\n"
	add("hello", example("hello.hcl"), false)
	add("debian", example("debian/debian.hcl"), false)
	add("counting", embedded("counting"), false)
	add("failing", embedded("failing"), false)
	add("network", embedded("network"), false)
	add("go-map", goDriver("go-map", `bind = { "DIR/bound" = "/run/bound" }
		bind_read_only = { "DIR/bound" = "/run/bound-ro" }`+environment), false)
	add("go-list", goDriver("go-list", `bind = [{ "DIR/bound" = "/run/bound" }]
		bind_read_only = [{ "DIR/bound" = "/run/bound-ro" }]
		environment = [{ FROM_OPTION = "from-option", BOTH = "option-loses" }]`), false)
	add("go-block", goDriver("go-block", `bind { "DIR/bound" = "/run/bound" }
		bind_read_only { "DIR/bound" = "/run/bound-ro" }
		environment { FROM_OPTION = "from-option", BOTH = "option-loses" }`), true)
}

func (j *job) start() error {
	j.once.Do(func() {
		var parsed *api.Job
		if parsed, j.err = j.make(); j.err == nil {
			_, _, j.err = client.Jobs().Register(parsed, nil)
		}
	})
	return j.err
}

func startAll() {
	if configured, _, err := client.Operator().SchedulerGetConfiguration(nil); err == nil {
		configured.SchedulerConfig.MemoryOversubscriptionEnabled = true
		_, _, _ = client.Operator().SchedulerSetConfiguration(configured.SchedulerConfig, nil)
	}
	for _, j := range jobs {
		if !j.late && (j.id != "debian" || haveDebian()) {
			_ = j.start()
		}
	}
}

func purgeAll() {
	for _, j := range jobs {
		if _, _, err := client.Jobs().Deregister(j.id, true, nil); err != nil {
			fmt.Printf("cannot purge %s: %v\n", j.id, err)
		}
	}
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		list, _, err := client.Allocations().List(nil)
		running := err != nil
		for _, a := range list {
			running = running || a.ClientStatus == "running" || a.ClientStatus == "pending"
		}
		if !running {
			return
		}
	}
}

// start starts the job, waits until count of its allocations are no longer pending, and returns them.
func start(t *testing.T, id string, count int) []*api.Allocation {
	t.Helper()
	if err := jobs[id].start(); err != nil {
		t.Fatalf("job %s: %v", id, err)
	}
	var allocs []*api.Allocation
	until(t, "allocations of "+id, func() (bool, string) {
		list, _, err := client.Jobs().Allocations(id, true, nil)
		if err != nil {
			return false, err.Error()
		}
		allocs = nil
		seen := ""
		for _, stub := range list {
			if stub.ClientStatus == "pending" {
				continue
			}
			if a, _, err := client.Allocations().Info(stub.ID, nil); err == nil {
				allocs = append(allocs, a)
				seen += "\n" + a.ClientStatus + " " + a.ClientDescription
				for _, s := range a.TaskStates {
					seen += "\n" + events(s)
				}
			}
		}
		return len(allocs) == count, fmt.Sprintf("%d of %d%s", len(allocs), count, seen)
	})
	return allocs
}

func state(t *testing.T, alloc *api.Allocation, task string) *api.TaskState {
	t.Helper()
	a, _, err := client.Allocations().Info(alloc.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.TaskStates[task] == nil {
		t.Fatalf("no task %s in %v", task, a.TaskStates)
	}
	return a.TaskStates[task]
}

func events(s *api.TaskState) string {
	var lines []string
	for _, e := range s.Events {
		lines = append(lines, e.Type+": "+e.DisplayMessage+" "+e.Message+" "+e.DriverError)
	}
	return strings.Join(lines, "\n")
}

// logs reads a whole log through the API.
func logs(alloc *api.Allocation, task, kind string) string {
	done := make(chan struct{})
	defer close(done) // otherwise the connection stays open
	frames, errs := client.AllocFS().Logs(alloc, false, task, kind, "start", 0, done, nil)
	var text strings.Builder
	for {
		select {
		case frame, more := <-frames:
			if !more {
				return text.String()
			}
			text.Write(frame.Data)
		case err := <-errs:
			if err != nil && err != io.EOF {
				return "cannot read the log: " + err.Error()
			}
			return text.String()
		}
	}
}

func waitForLog(t *testing.T, alloc *api.Allocation, task, kind, part string) string {
	t.Helper()
	var text string
	until(t, fmt.Sprintf("%q in the log of %s", part, task), func() (bool, string) {
		text = logs(alloc, task, kind)
		return strings.Contains(text, part), text
	})
	return text
}

func stop(t *testing.T, id string) {
	t.Helper()
	if _, _, err := client.Jobs().Deregister(id, false, nil); err != nil {
		t.Fatal(err)
	}
}

func waitForState(t *testing.T, alloc *api.Allocation, task, wanted string) *api.TaskState {
	t.Helper()
	var s *api.TaskState
	until(t, task+" "+wanted, func() (bool, string) {
		s = state(t, alloc, task)
		return s.State == wanted, s.State + "\n" + events(s)
	})
	return s
}

// pluginPid returns the pid of the agent's plugin. It returns 0 while there is not exactly one: an agent that starts
// runs several for a moment.
func pluginPid() int {
	out, _ := exec.Command("pgrep", "-f", "^"+directory+"/plugins/nomad-driver-nspawn").Output()
	pids := strings.Fields(string(out))
	if len(pids) != 1 {
		return 0
	}
	pid, _ := strconv.Atoi(pids[0])
	return pid
}

func unitOf(alloc *api.Allocation, task string) string {
	return "nspawn-" + task + "-" + alloc.ID + ".service"
}

func output(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	out, err := exec.Command(program, arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, arguments, err, out)
	}
	return strings.TrimSpace(string(out))
}

func execOutput(program string, arguments ...string) (string, error) {
	out, err := exec.Command(program, arguments...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}
