"""The scripts of the dashboard, run by the Node.js of the development packages."""
