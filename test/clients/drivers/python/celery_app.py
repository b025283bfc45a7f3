"""
A Celery application over kombu's Kafka transport: one process sends tasks, another one runs them and tells of each. It has the
lines of a driver and no others of its actions.
"""

import os

import celery
import confluent_kafka
import kombu
from contract import drive, portions, say


def application(asked):
    first = asked["bootstrap"].split(",")[0]
    app = celery.Celery("matrix", broker=f"confluentkafka://{first}")
    app.conf.update(
        task_default_queue=asked["topic"],
        task_ignore_result=True,
        # The transport has no fan-out, which remote control needs.
        worker_enable_remote_control=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "replication_factor": 3,
            "num_partitions": asked["partitions"],
            "wait_time_seconds": 1,
            "kafka_common_config": {"bootstrap.servers": asked["bootstrap"]},
            "kafka_consumer_config": {"session.timeout.ms": 10_000},
        },
    )

    @app.task(name="note")
    def note(n):
        say(record=[0, n, f"v{n}"])

    return app, note


def version(_asked):
    library, _ = confluent_kafka.libversion()
    versions = f"celery {celery.__version__} with kombu {kombu.__version__}"
    say(version=f"{versions} and librdkafka {library}")


def produce(asked):
    _app, note = application(asked)
    for numbers in portions(asked):
        for n in numbers:
            note.delay(n)
            say(acked=n)
    say(done=True)


def consume(asked):
    app, _note = application(asked)
    # The worker greets on standard output, where only lines of the contract belong.
    os.dup2(2, 1)
    options = ["--pool=solo", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    app.worker_main(["worker", *options, "--loglevel=WARNING"])


drive({"version": version, "produce": produce, "consume": consume})
