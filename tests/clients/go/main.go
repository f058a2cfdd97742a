// A framework on mesos-go, a library that knows nothing of Bourse. It lives a whole life against the
// master at URL and prints a line for each step; what is not as it should be ends it with a status.
// Usage: life URL json|protobuf
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/encoding"
	"github.com/mesos/mesos-go/api/v1/lib/encoding/codecs"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpsched"
	"github.com/mesos/mesos-go/api/v1/lib/resources"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"
)

var mediaTypes = map[string]encoding.MediaType{
	"json":     codecs.MediaTypeJSON,
	"protobuf": codecs.MediaTypeProtobuf,
}

func must(err error, doing string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", doing, err)
		os.Exit(1)
	}
}

// One connection of the framework: its stream of events, and calls that name it.
type connection struct {
	caller calls.Caller
	stream mesos.Response
	id     string
	heard  map[string]bool // the updates so far
}

func subscribe(url, codec, id string) *connection {
	client := httpcli.New(httpcli.Endpoint(url), httpcli.Codec(codecs.ByMediaType[mediaTypes[codec]]))
	if len(os.Args) > 4 {
		client.With(httpcli.Do(httpcli.With(httpcli.BasicAuth(os.Args[3], os.Args[4]))))
	}
	c := &connection{caller: httpsched.NewCaller(client), heard: map[string]bool{}}
	timeout := 60.0
	call := calls.Subscribe(&mesos.FrameworkInfo{
		User: "root", Name: "go-" + codec, FailoverTimeout: &timeout,
	}).With(calls.SubscribeTo(id))
	stream, err := c.caller.Call(context.Background(), call)
	must(err, "SUBSCRIBE")
	c.stream = stream
	c.until(func(e *scheduler.Event) bool {
		if e.GetType() != scheduler.Event_SUBSCRIBED {
			return false
		}
		c.id = e.GetSubscribed().GetFrameworkID().GetValue()
		return true
	})
	fmt.Println("subscribed", c.id)
	return c
}

// Reads an event, and acknowledges it if it is an update that asks for it.
func (c *connection) read() *scheduler.Event {
	event := new(scheduler.Event)
	must(c.stream.Decode(event), "reading the stream")
	if event.GetType() == scheduler.Event_UPDATE {
		status := event.GetUpdate().GetStatus()
		line := fmt.Sprint(status.GetTaskID().Value, " ", status.GetState())
		if len(status.GetUUID()) == 0 {
			line += " told"
		} else {
			c.call(calls.Acknowledge(status.GetAgentID().GetValue(), status.GetTaskID().Value,
				status.GetUUID()))
		}
		c.heard[line] = true
		fmt.Println(line)
	}
	return event
}

func (c *connection) until(found func(*scheduler.Event) bool) {
	for !found(c.read()) {
	}
}

// Of an update that wants no acknowledgement the line ends with "told".
func (c *connection) untilHeard(line string) {
	for !c.heard[line] {
		c.read()
	}
}

func (c *connection) call(call *scheduler.Call) {
	response, err := c.caller.Call(context.Background(), call.With(calls.Framework(c.id)))
	must(err, call.GetType().String())
	if response != nil {
		must(response.Close(), call.GetType().String())
	}
}

func task(id, command string, agent mesos.AgentID) mesos.TaskInfo {
	return mesos.TaskInfo{
		Name: id, TaskID: mesos.TaskID{Value: id}, AgentID: agent,
		Command: &mesos.CommandInfo{Value: &command},
		Resources: []mesos.Resource{
			resources.NewCPUs(0.1).Resource, resources.NewMemory(32).Resource,
		},
	}
}

func (c *connection) launch() {
	var offer mesos.Offer
	c.until(func(e *scheduler.Event) bool {
		if e.GetType() == scheduler.Event_OFFERS {
			offer = e.GetOffers().GetOffers()[0]
			return true
		}
		return false
	})
	launch := calls.OpLaunch(task("long", "sleep 1000", offer.AgentID),
		task("quick", "true", offer.AgentID))
	c.call(calls.Accept(calls.OfferOperations{launch}.WithOffers(offer.ID)))
}

func main() {
	url, codec := os.Args[1]+"/api/v1/scheduler", os.Args[2]
	first := subscribe(url, codec, "")
	first.launch()
	first.untilHeard("long TASK_RUNNING")
	first.untilHeard("quick TASK_FINISHED")
	first.call(calls.Reconcile(calls.ReconcileTasks(map[string]string{"long": "", "nobody": ""})))
	first.untilHeard("nobody TASK_LOST told")  // the order is that of a map
	first.untilHeard("long TASK_RUNNING told")

	second := subscribe(url, codec, first.id)
	first.until(func(e *scheduler.Event) bool { return e.GetType() == scheduler.Event_ERROR })
	fmt.Println("failed over")
	second.call(calls.Reconcile(calls.ReconcileTasks(nil)))
	second.untilHeard("long TASK_RUNNING told")
	second.call(calls.Suppress())
	second.call(calls.Revive())
	second.call(calls.Kill("long", ""))
	second.untilHeard("long TASK_KILLED")
	second.call(&scheduler.Call{Type: scheduler.Call_TEARDOWN})
	for {
		var event scheduler.Event
		if second.stream.Decode(&event) != nil {
			break
		}
	}
	fmt.Println("torn down")
}
