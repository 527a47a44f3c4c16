"""The systems that are measured, one module for each: how it starts, its configuration, how one subscribes and
publishes. They are told apart by name, on the command line and in the results."""
from peers import centrifugo, durable, floor, mercure_hub, nchan, ours, pushpin

SYSTEMS = {each.name: each for each in (
    floor.FloorSend(), floor.FloorUring(), ours.Ours(), durable.DurableStreams(), nchan.Nchan(),
    centrifugo.Centrifugo(), mercure_hub.Mercure(), pushpin.Pushpin())}
FLOORS = ("floor", "floor-uring")
OURS = "ours"
PEERS = tuple(name for name in SYSTEMS if name not in (*FLOORS, OURS))
