"""What each verb of the command line does: call the Workspace, hand its answer to the face."""
