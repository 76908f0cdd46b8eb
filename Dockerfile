# The page is built, then forgotten but for its files; web and worker run from one image, without root.
FROM node:22-slim AS page
WORKDIR /page
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend/ ./
RUN npm run build

FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
COPY requirements/run.txt requirements/run.txt
RUN pip install -r requirements/run.txt
COPY pyproject.toml manage.py ./
COPY compiler_core/ compiler_core/
COPY explorer/ explorer/
RUN pip install "setuptools>=75" && pip install --no-deps --no-build-isolation --editable .
COPY --from=page /page/dist frontend/dist
RUN useradd --create-home tilescope && install -d -o tilescope /var/lib/tilescope
USER tilescope
ENV TILESCOPE_DATA=/var/lib/tilescope
EXPOSE 8000
