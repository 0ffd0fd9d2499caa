# The app on a CPU, for one `docker run -p 7860:7860`: an ordinary user, and nothing to write but /tmp.
#   docker build -t teach-it-your-things .
#   docker run --rm --read-only --tmpfs /tmp -p 7860:7860 teach-it-your-things
FROM python:3.11-slim

WORKDIR /srv/app
COPY app/requirements.txt app/requirements.txt
RUN pip install --no-cache-dir --no-compile -r app/requirements.txt && python -m compileall -q /usr/local/lib
COPY LICENSE LICENSE
COPY app app
COPY model model
COPY assets/simple_cnaps assets/simple_cnaps
COPY assets/samples assets/samples
RUN HOME=/tmp/home python -m app.device.install && rm -rf /tmp/home
RUN python -m compileall -q app model && useradd --no-create-home --shell /usr/sbin/nologin app

USER app
ENV HOST=0.0.0.0 PORT=7860 HOME=/tmp TMPDIR=/tmp PYTHONDONTWRITEBYTECODE=1
EXPOSE 7860
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=5)"]
CMD ["python", "-m", "app"]
